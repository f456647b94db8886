"""Simplified Chinese as people on the mainland write it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core import hans as module
from core.errors import ModelUnavailable
from core.hans import hans, terms
from core.text.convert import converter

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("標註", "标注"),
        ("把資料匯入專案", "把数据导入项目"),
        ("登入後儲存帳號", "登录后保存账号"),
        ("匯出", "导出"),
        ("已登出", "已退出登录"),
        ("每列一篇文字；{bad} 列有問題", "每行一篇文字；{bad} 行有问题"),
        ("找不到「{name}」", "找不到“{name}”"),
        ("預設的詞向量", "默认的词向量"),
    ],
)
def test_words_of_the_mainland(traditional: str, simplified: str) -> None:
    assert hans(traditional) == simplified


def test_no_term_has_a_traditional_character() -> None:
    simplified = converter("t2s")
    for term in terms().values():
        assert simplified(term) == term, term


def test_without_opencc_the_sentence_stays_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModelUnavailable(name=name, why="not installed")

    monkeypatch.setattr(module, "converter", missing)
    hans.cache_clear()
    assert hans("找不到檔案") == "找不到檔案"
    hans.cache_clear()


def test_the_app_starts_without_loading_the_converter() -> None:
    code = "import sys, app; print('opencc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False"), done.stdout
