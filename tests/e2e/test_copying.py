"""The button that copies a link, on https or this very computer, and on a lab's plain http."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.driving import Server, sign_in

pytestmark = pytest.mark.e2e


def own_address() -> str:
    """This computer's address in its network, '' if it is in none; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        found = str(probe.getsockname()[0])
        return "" if found.startswith("127.") else found


def copied_link(page: Page) -> tuple[str, str]:
    """Makes an invitation and presses the button; → the link on the screen, and what is pasted then."""
    page.get_by_role("button", name="產生邀請連結").click()
    link = page.locator("[data-testid=stCode] code").inner_text()
    page.get_by_role("button", name="複製連結").click()
    expect(page.get_by_text("已複製 ✓")).to_be_visible()
    page.evaluate("document.body.append(document.createElement('textarea'))")
    field = page.locator("body > textarea")
    field.focus()
    page.keyboard.press("Control+v")
    expect(field).not_to_have_value("")
    return link.strip(), field.input_value()


def allow(profile: BrowserContext) -> None:
    profile.grant_permissions(["clipboard-read", "clipboard-write"])


def test_an_invitation_link_is_copied_on_this_computer(browser: Browser, server: Server) -> None:
    page = sign_in(browser, server, "lina", first=allow)
    page.goto(server.url + "/people")
    assert page.evaluate("window.isSecureContext && Boolean(navigator.clipboard)")
    link, pasted = copied_link(page)
    assert link.startswith(server.url + "/join?token=")
    assert pasted == link
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_a_link_is_copied_over_plain_http_in_a_lab(browser: Browser, tmp_path: Path) -> None:
    address = own_address()
    if not address:
        pytest.skip("this computer is in no network")
    server = Server(tmp_path, worker=False)
    server.env |= {"HOST": "0.0.0.0", "ALLOWED_HOSTS": address}
    server.start()
    try:
        url = f"http://{address}:{server.port}"
        page = sign_in(browser, server, "lina", url=url)
        page.goto(url + "/people")
        assert page.evaluate("!window.isSecureContext && navigator.clipboard === undefined")
        link, pasted = copied_link(page)
        assert link.startswith(url + "/join?token=")
        assert pasted == link
    finally:
        server.stop()
