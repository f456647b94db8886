// What a chart looks like where it does not say so itself: the page's own letters and colours, by day and by night.

const FADED = { ink: 0.72, line: 0.13 };  // how much of the letters' colour; the rest is paper

function mixed(ink, paper, share) {
  const parts = (colour) => colour.match(/[\da-f]{2}/gi).map((pair) => parseInt(pair, 16));
  const [a, b] = [parts(ink), parts(paper)];
  return `#${a.map((part, n) => Math.round(part * share + b[n] * (1 - share)).toString(16).padStart(2, "0")).join("")}`;
}

function hex(colour, spare) { return /^#[\da-f]{6}$/i.test(colour) ? colour : spare; }

/** The page's colours and letters around `root`, as one string that changes with them. */
export function seen(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(name).trim();
  return JSON.stringify({
    ink: hex(read("--st-text-color"), "#16302d"), paper: hex(read("--st-background-color"), "#ffffff"),
    edge: hex(read("--st-border-color"), "#d3dfdc"), font: read("--st-font"),
  });
}

/** A Plotly template of what `seen` gave. */
export function template(told) {
  const { ink, paper, edge, font: family } = JSON.parse(told);
  const [quiet, line] = [mixed(ink, paper, FADED.ink), mixed(ink, paper, FADED.line)];
  const font = { color: quiet, family, size: 12 };
  const axis = {
    gridcolor: line, zerolinecolor: line, tickcolor: line, tickfont: { color: quiet, size: 12 },
    title: { font: { color: quiet, size: 14 }, standoff: 20 }, automargin: true,
  };
  return {
    data: { scatter: [{ type: "scatter", marker: { line: { width: 0 } } }] },
    layout: {
      font, paper_bgcolor: paper, plot_bgcolor: paper, margin: { pad: 8, r: 0, l: 0 },
      legend: { valign: "top", borderwidth: 0, font: { color: ink, size: 12 } },
      hoverlabel: { bgcolor: paper, bordercolor: edge, font },
      xaxis: { ...axis, showgrid: false, zeroline: false },
      yaxis: { ...axis, ticklabelposition: "outside", title: { ...axis.title, standoff: 24 } },
      coloraxis: { colorbar: { outlinewidth: 0, tickfont: { color: quiet, size: 12 } } },
    },
  };
}
