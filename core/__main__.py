"""``python -m core …``: everything that a person does to the product from a terminal.

Each command answers with sentences; an error is one sentence on standard error and the exit code 2 (3: another worker
has this database).
"""

from __future__ import annotations

import argparse
import getpass
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from core.config import ProjectSettings, Runtime
from core.encoders.pretrain import cli as pretraining
from core.errors import BadFile, BadRows, BadSetting, CannotStart, TagtailError, UnknownProject
from core.export.datasets import BadRow
from core.messages import in_language, say, sentence
from core.reproduce import cli as reproducing
from core.services import accounts, curating, doubting_cli, membership, projects, scheduling, starting
from core.services.curating import ImportOptions
from core.services.dashboard import report_cli
from core.simulate import cli as simulating
from core.simulate import forecast_cli as forecasting
from db.connect import back_up, is_sound, open_database
from db.errors import NotFound, StorageError
from db.records import User

WANTED = os.environ.get("TAGTAIL_LANG", "").lower().replace("_", "-")
LANG = "en" if WANTED.startswith("en") else "hans" if WANTED.startswith(("hans", "zh-hans", "zh-cn")) else "zh"
SHOWN_BAD_ROWS = 20


def tell(zh: str, en: str) -> None:
    print(in_language((zh, en), LANG), flush=True)


def _open(runtime: Runtime, *, create: bool = False) -> Database:
    return open_database(runtime.database, create=create)


def _project(db: Database, key: str | None) -> projects.Project:
    """The project of that key; without one, the only or the first. Raises UnknownProject, NotFound (there is none)."""
    known = projects.list_projects(db, archived=key is not None)
    for each in known:
        if key is None or each.key == key:
            return each
    if key is not None and known:
        raise UnknownProject(key=key, known=", ".join(each.key for each in known))
    raise NotFound(what="project")


def init(args: argparse.Namespace, runtime: Runtime) -> int:
    """Make the database, its first project and its first administrator; what is there already stays."""
    with closing(_open(runtime, create=True)) as db:
        made = starting.make_first_project(db, runtime.project_file, now=time.time())
        if made:
            n = made.report.added if made.report else 0
            tell(
                f"已建立專案「{made.project.name}」，{n} 篇文字。",
                f"Made project “{made.project.name}” with {n} texts.",
            )
        password = os.environ.get("ADMIN_PASSWORD") or _ask_password(db)
        admin = starting.make_first_admin(db, password=password, now=time.time())
    if admin and password:
        tell(
            f"管理員帳號：{admin[0].name}（密碼是你剛設定的）",
            f"Administrator: {admin[0].name} (password: as you set it)",
        )
    elif admin:
        tell(
            f"管理員帳號：{admin[0].name}\n密碼（只顯示這一次，請記下來）：{admin[1]}",
            f"Administrator: {admin[0].name}\nPassword (shown this once, write it down): {admin[1]}",
        )
    return 0


def _ask_password(db: Database) -> str | None:
    """On a terminal, ask for the first administrator's password; an empty answer has one made."""
    if not sys.stdin.isatty() or any(u.role == "admin" and u.active for u in accounts.list_users(db)):
        return None
    tell(
        f"請設定管理員 {starting.ADMIN} 的密碼（至少 {accounts.MIN_PASSWORD} 個字元；直接按 Enter 則產生一組）。",
        f"Choose a password for {starting.ADMIN} ({accounts.MIN_PASSWORD} characters or more; Enter makes one).",
    )
    while True:
        first = getpass.getpass("> ")
        if not first:
            return None
        if len(first) < accounts.MIN_PASSWORD:
            tell(say("BadPassword", {"need": accounts.MIN_PASSWORD}, "zh") or "", "Too short.")
        elif getpass.getpass(">> ") != first:
            tell("兩次輸入不同，請再試一次。", "The two differ. Try again.")
        else:
            return first


def import_(args: argparse.Namespace, runtime: Runtime) -> int:
    """Import a file into a project, or as a new one whose labels are those found in it."""
    options = ImportOptions(
        text_column=args.text_column, id_column=args.id_column, labels_column=args.labels_column,
        split_column=args.split_column, labels_separator=args.separator, use_labels=not args.ignore_labels,
        allow_partial=args.partial,
    )  # fmt: skip
    path, now = Path(args.file), time.time()
    if not path.exists():
        raise BadFile(name=path.name, why="missing")
    with closing(_open(runtime)) as db:
        try:
            if args.new:
                made, report = curating.import_as_project(
                    db, path, key=args.new, name=args.name or args.new, options=options, by=None, now=now,
                    progress=_bar,
                )  # fmt: skip
            else:
                made = _project(db, args.project)
                report = curating.run_import(
                    db, made.id, path, options=options, by=None, now=now, progress=_bar
                )  # fmt: skip
        except BadRows as error:
            _tell_bad(error.fields["report"])
            raise
    _tell_bad(report.refused)
    tell(
        f"匯入「{made.name}」：新增 {report.added} 篇（已標註 {report.labelled}，金標準 {report.gold}），"
        f"重複 {report.duplicates}，拒絕 {len(report.refused)}，{report.seconds:.1f} 秒。",
        f"Imported into “{made.name}”: {report.added} new ({report.labelled} labelled, {report.gold} gold), "
        f"{report.duplicates} duplicates, {len(report.refused)} refused, {report.seconds:.1f} s.",
    )
    if args.new:
        tell(
            "目前只有管理員看得到這個專案；請在「人員」頁或用 user join 加入成員。",
            "Only administrators see this project so far: add its members on the People page or by “user join”.",
        )
    if report.labels_not_taken:
        tell(
            f"其中 {report.labels_not_taken} 篇的文字早已在專案裡，檔案裡的標籤沒有採用。",
            f"{report.labels_not_taken} labelled rows were here already; their labels were not taken.",
        )
    return 0


def _bar(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{100 * done // max(total, 1):3d} %", end="" if done < total else "\n", file=sys.stderr, flush=True)


def _tell_bad(bad: tuple[BadRow, ...]) -> None:
    for each in bad[:SHOWN_BAD_ROWS]:
        why = say(each.code, each.fields, LANG) or each.code
        tell(f"  第 {each.line} 行 {each.field}：{why}", f"  line {each.line} {each.field}: {why}")
    if len(bad) > SHOWN_BAD_ROWS:
        tell(f"  …還有 {len(bad) - SHOWN_BAD_ROWS} 行", f"  … and {len(bad) - SHOWN_BAD_ROWS} more")


def export(args: argparse.Namespace, runtime: Runtime) -> int:
    """Write the labels, or the current student's zip, to a file."""
    from core.services import reporting

    out = Path(args.out)
    if not out.parent.is_dir() or out.suffix.lower() not in (".jsonl", ".csv", ".zip"):
        raise BadFile(name=str(out), why="missing" if not out.parent.is_dir() else "jsonl_or_csv")
    with closing(_open(runtime)) as db:
        found = _project(db, args.project)
        if args.what == "student":
            bundle = reporting.student_bundle(db, found.id)
            if bundle is None:
                raise NotFound(what="student")
            shutil.copyfile(bundle, out)
        else:
            kind = "csv" if out.suffix.lower() == ".csv" else "jsonl"
            include = "decisions" if args.what == "decisions" else "all" if args.all else "labelled"
            chunks = curating.export_labels(db, found.id, format=kind, include=include, now=time.time())
            beside = out.with_name(out.name + ".part")
            with open(beside, "wb") as stream:
                stream.writelines(chunks)
            beside.replace(out)
    tell(f"已寫入 {out}（{out.stat().st_size:,} 位元組）", f"Wrote {out} ({out.stat().st_size:,} bytes)")
    return 0


def user(args: argparse.Namespace, runtime: Runtime) -> int:
    """Add people, list them, set a password, put them into a project or take them out."""
    with closing(_open(runtime)) as db:
        if args.action == "list":
            for each in accounts.list_users(db):
                print(f"{each.name}\t{each.role}\t{'active' if each.active else 'inactive'}")
            return 0
        if not args.user_name:
            raise NotFound(what="NAME")
        if args.action in ("join", "leave"):
            return _member(db, args)
        password = sys.stdin.readline().rstrip("\n") if args.password_stdin else getpass.getpass("> ")
        if args.action == "add":
            joins = _joins(db, args.project)
            made = accounts.create_user(
                db, args.user_name, password, args.role, by=None, now=time.time(), lang=LANG,
                projects=[each.id for each in joins],
            )  # fmt: skip
            where = "、".join(each.key for each in joins) or "—"
            tell(f"已建立 {made.name}（{made.role}），專案：{where}", f"Made {made.name} ({made.role}), in: {where}")
        else:
            found = accounts.find(db, args.user_name)
            accounts.set_password(db, found.id, password, by=None, now=time.time())
            tell(
                f"已更新 {found.name} 的密碼，並登出所有工作階段", f"Set {found.name}'s password and ended all sessions"
            )
    return 0


def _joins(db: Database, key: str | None) -> list[projects.Project]:
    """Where a new person works: in the project named, else in the only one there is."""
    known = projects.list_projects(db)
    return [_project(db, key)] if key else known if len(known) == 1 else []


def _member(db: Database, args: argparse.Namespace) -> int:
    person, where = accounts.find(db, args.user_name), _project(db, args.project)
    if args.action == "join":
        membership.add(db, where.id, person.id, by=None, now=time.time())
        tell(f"{person.name} 在專案 {where.key} 裡了", f"{person.name} is in {where.key}")
    else:
        membership.remove(db, where.id, person.id, by=None, now=time.time())
        tell(f"{person.name} 已移出專案 {where.key}", f"{person.name} is no longer in {where.key}")
    return 0


def worker(args: argparse.Namespace, runtime: Runtime) -> int:
    """Run the background worker in the foreground."""
    from core.worker import loop

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("tagtail").setLevel(logging.INFO)
    logging.getLogger("gensim").setLevel(logging.ERROR)  # it warns of the falling learning rate that we ask for
    return loop.main(runtime)


def round_(args: argparse.Namespace, runtime: Runtime) -> int:
    """Ask for a round, and say how the last one went."""
    with closing(_open(runtime)) as db:
        found = _project(db, args.project)
        if args.action == "start":
            job = scheduling.request_round(db, found.id, by=_admin(db).id, now=time.time())
            tell(f"已排入訓練（工作 {job}）", f"A round is queued (job {job})")
        status = scheduling.status(db, found.id, now=time.time())
        last = status.last_published
        print(json.dumps({
            "state": status.state, "stage": status.stage, "done": status.done, "total": status.total,
            "worker_alive": status.worker_alive, "last_published": last.number if last else None,
            "in_use": status.in_use.number if status.in_use else None,
            "last_error": status.last_error,
        }, ensure_ascii=False))  # fmt: skip
    return 0


def settings(args: argparse.Namespace, runtime: Runtime) -> int:
    """Show a project's settings, or set some: name=value, those of a round as round.name=value."""
    with closing(_open(runtime)) as db:
        found = _project(db, args.project)
        now = json.loads(found.settings.to_json())
        for change in args.changes:
            name, equals, text = change.partition("=")
            where, last = (now["round"], name[6:]) if name.startswith("round.") else (now, name)
            if not equals or last not in where or isinstance(where[last], dict):
                raise BadSetting(field=name, value=text, why="unknown setting")
            try:
                where[last] = json.loads(text)
            except ValueError:
                where[last] = text
        if args.changes:
            admin = _admin(db)
            made = ProjectSettings.from_mapping(now)
            projects.update_settings(db, found.id, made, by=admin.id, now=time.time())
        print(json.dumps(now, ensure_ascii=False, indent=2))
    return 0


def reproduce(args: argparse.Namespace, runtime: Runtime) -> int:
    """Run a published experiment (kd, losses) on a labelled file; writes a report."""
    return reproducing.reproduce(args, LANG)


def pretrain(args: argparse.Namespace, runtime: Runtime) -> int:
    """Pretrain an encoder on one's own texts; goes on where it was."""
    return pretraining.pretrain(args, LANG)


def simulate(args: argparse.Namespace, runtime: Runtime) -> int:
    """Replay a labelled file through the product's own loop, strategy by strategy; writes a report."""
    return simulating.simulate(args, LANG)


def _admin(db: Database) -> User:
    """Whoever owns the file may do what an administrator may. Raises NotFound."""
    for each in accounts.list_users(db):
        if each.active and each.role == "admin":
            return each
    raise NotFound(what="admin")


def backup(args: argparse.Namespace, runtime: Runtime) -> int:
    """A whole copy of the database while it is in use."""
    out = Path(args.out)
    if out.resolve() == runtime.database:
        raise BadFile(name=out.name, why="unreadable", detail="the database itself / 就是資料庫本身")
    with closing(_open(runtime)) as db:
        back_up(db, out)
    tell(f"已備份到 {out}", f"Backed up to {out}")
    return 0


def doctor(args: argparse.Namespace, runtime: Runtime) -> int:
    """Say whether database, disk and worker are well."""
    with closing(_open(runtime)) as db:
        sound = is_sound(db)
        free_mb = shutil.disk_usage(runtime.data_dir).free // 2**20
        for each in projects.list_projects(db):
            alive = scheduling.status(db, each.id, now=time.time()).worker_alive
            print(
                f"{each.key}\t{each.name}\t{len(each.label_set)} labels\tworker {'alive' if alive else 'not running'}"
            )
    tell(
        f"資料庫{'完好' if sound else '有損壞'}；磁碟剩 {free_mb:,} MB",
        f"Database {'sound' if sound else 'damaged'}; {free_mb:,} MB free",
    )
    return 0 if sound and free_mb > 200 else 1


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="python -m core", description=__doc__.split("\n")[0] if __doc__ else None)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, do: Callable[[argparse.Namespace, Runtime], int]) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=(do.__doc__ or "").split("\n")[0])
        made.set_defaults(do=do)
        return made

    add("init", init)
    add("worker", worker)
    add("doctor", doctor)
    reproducing.add_options(add("reproduce", reproduce))
    pretraining.add_options(add("pretrain", pretrain))
    simulating.add_options(add("simulate", simulate))
    forecasting.add_options(add("forecast", forecasting.forecast), find=_project, lang=LANG)
    report_cli.add_options(add("report", report_cli.make), find=_project, lang=LANG)
    doubting_cli.add_options(add("doubts", doubting_cli.doubts), find=_project, owner=_admin, lang=LANG)
    add("backup", backup).add_argument("out")
    one = add("import", import_)
    one.add_argument("file")
    one.add_argument("--project", help="key of an existing project (default: the first)")
    one.add_argument("--new", metavar="KEY", help="make a project of this key, with the labels found in the file")
    one.add_argument("--name", help="name of the new project")
    one.add_argument("--partial", action="store_true", help="import the good rows although some are bad")
    one.add_argument("--ignore-labels", action="store_true", help="leave out training rows' labels; gold keeps its own")
    for column in ("text", "id", "labels", "split"):
        one.add_argument(f"--{column}-column", default=column)
    one.add_argument("--separator", default="|", help="between labels in one CSV cell")
    out = add("export", export)
    out.add_argument("what", choices=("labels", "decisions", "student"))
    out.add_argument("out")
    out.add_argument("--project")
    out.add_argument("--all", action="store_true", help="also texts without a label")
    people = add("user", user)
    people.add_argument("action", choices=("add", "list", "password", "join", "leave"))
    people.add_argument("user_name", nargs="?")
    people.add_argument("--role", choices=accounts.ROLES, default="annotator")
    people.add_argument("--password-stdin", action="store_true")
    people.add_argument("--project", help="key of the project to join or leave (default: the first; add: the only one)")
    change = add("settings", settings)
    change.add_argument("changes", nargs="*", metavar="NAME=VALUE", help="e.g. round_every=100 round.segmenter=rjieba")
    change.add_argument("--project")
    turn = add("round", round_)
    turn.add_argument("action", choices=("start", "status"))
    turn.add_argument("--project")
    return top


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        return int(args.do(args, Runtime.from_env()))
    except (TagtailError, StorageError, OSError) as error:
        print(sentence(error, LANG), file=sys.stderr)
        return 3 if isinstance(error, CannotStart) and str(error.fields.get("why", "")).startswith("worker") else 2


if __name__ == "__main__":
    sys.exit(main())
