from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from opsdesk import catalogues

PYTHON = """
from django.utils.translation import gettext as _t, gettext_lazy as _, ngettext, pgettext_lazy

A = _("Shop %(code)s is unknown.")
E = _t("The exemption has ended.")
B = pgettext_lazy("verb", "open")
C = ngettext("one shop", "%(count)s shops", 2)
D = "not marked"
"""
TEMPLATE = """{% load i18n %}
  <p class='it's'>{% translate "Accept" %}
      {% blocktranslate with name=shop.name trimmed %}
        Clear {{ name }}
          now
      {% endblocktranslate %}
   </p>
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    app = tmp_path / "shops"
    (app / "templates").mkdir(parents=True)
    (app / "models.py").write_text(PYTHON)
    (app / "templates" / "page.html").write_text(TEMPLATE)
    monkeypatch.setattr(catalogues, "CHECKOUT", tmp_path)
    return tmp_path


def translate(**translations: str | tuple[str, ...]) -> None:
    catalog = catalogues.kept("shops", "zh_Hans")
    for message in catalog:
        if message.id:
            first = message.id if isinstance(message.id, str) else message.id[0]
            message.string = translations.get(first, message.string)
    with catalogues.path_of("shops", "zh_Hans").open("wb") as file:
        write_po(file, catalog)


EVERYTHING: dict[str, str | tuple[str, ...]] = {
    "Shop %(code)s is unknown.": "没有店铺 %(code)s。",
    "The exemption has ended.": "豁免已结束。",
    "open": "打开",
    "one shop": ("%(count)s 家店铺",),
    "Accept": "接受",
    "Clear %(name)s now": "立即清退 %(name)s",
}


def test_python_and_templates_are_extracted(checkout: Path) -> None:
    found = {(m.id, m.context) for m in catalogues.extracted("shops") if m.id}
    assert found == {
        ("Shop %(code)s is unknown.", None),
        ("The exemption has ended.", None),
        ("open", "verb"),
        (("one shop", "%(count)s shops"), None),
        ("Accept", None),
        ("Clear %(name)s now", None),
    }


def test_translations_survive_an_update_and_what_is_gone_goes(checkout: Path) -> None:
    assert catalogues.update("shops", "zh_Hans")
    translate(**EVERYTHING)
    (checkout / "shops" / "templates" / "page.html").unlink()
    assert catalogues.update("shops", "zh_Hans")
    with catalogues.path_of("shops", "zh_Hans").open("rb") as file:
        kept = {message.id: message.string for message in read_po(file) if message.id}
    assert kept["Shop %(code)s is unknown."] == "没有店铺 %(code)s。"
    assert "Accept" not in kept


def test_an_update_without_news_changes_nothing(checkout: Path) -> None:
    assert catalogues.update("shops", "zh_Hans")
    before = catalogues.path_of("shops", "zh_Hans").read_bytes()
    assert not catalogues.update("shops", "zh_Hans")
    assert catalogues.path_of("shops", "zh_Hans").read_bytes() == before


def test_every_kind_of_gap_is_named(checkout: Path) -> None:
    assert len(list(catalogues.gaps("shops", "zh_Hans"))) == 6  # no file at all
    catalogues.update("shops", "zh_Hans")
    assert all("untranslated" in gap for gap in catalogues.gaps("shops", "zh_Hans"))
    translate(**EVERYTHING)
    assert list(catalogues.gaps("shops", "zh_Hans")) == []
    translate(**{"Shop %(code)s is unknown.": "没有店铺 %(name)s。"})
    (gap,) = catalogues.gaps("shops", "zh_Hans")
    assert "placeholder" in gap and "shops/models.py" in gap


def test_compiled_catalogues_are_what_gettext_reads(checkout: Path) -> None:
    assert not catalogues.compile_one("shops", "zh_Hans")
    catalogues.update("shops", "zh_Hans")
    translate(**EVERYTHING)
    assert catalogues.compile_one("shops", "zh_Hans")
    with catalogues.path_of("shops", "zh_Hans").with_suffix(".mo").open("rb") as file:
        chinese = gettext.GNUTranslations(file)
    assert chinese.gettext("Accept") == "接受"
    assert chinese.pgettext("verb", "open") == "打开"
    assert chinese.ngettext("one shop", "%(count)s shops", 3) == "%(count)s 家店铺"


@pytest.mark.parametrize("locale", catalogues.LOCALES)
@pytest.mark.parametrize("app", catalogues.APPS)
def test_every_message_is_translated(app: str, locale: str) -> None:
    assert list(catalogues.gaps(app, locale)) == []


@pytest.mark.parametrize("locale", catalogues.LOCALES)
def test_a_message_of_several_apps_is_translated_alike(locale: str) -> None:
    """Django keeps one catalogue a language: of two translations the first app's would win everywhere."""
    found: dict[tuple[object, object], set[str]] = {}
    for app in catalogues.APPS:
        for message in catalogues.kept(app, locale):
            if message.id:
                first = message.id if isinstance(message.id, str) else message.id[0]
                found.setdefault((message.context, first), set()).add(str(message.string))
    assert {key: words for key, words in found.items() if len(words) > 1} == {}


# What people read


@pytest.mark.parametrize("app", catalogues.APPS)
def test_the_desk_has_one_chinese_word_and_the_platform_another(app: str) -> None:
    """Who appeals must not write to the wrong one of the two."""
    for message in catalogues.kept(app, "zh_Hans"):
        english, chinese = str(message.id), str(message.string)
        # The case number that a penalty has on the platform.
        of_the_platform = re.search("platform", english, re.IGNORECASE) or english == "reference"
        assert of_the_platform or "平台" not in chinese, english
        assert not re.search("业务台|工作台|后台(?!任务)|本系统", chinese), english
        if re.search(r"\bdesk\b", english, re.IGNORECASE):
            assert "本台" in chinese, english


# A word that means the same as another, which stands everywhere else: 预警, 预警区间, 案件编号.
SECOND_WORDS = "警告|预警带|处罚编号"


@pytest.mark.parametrize("app", catalogues.APPS)
def test_one_thing_has_one_chinese_word(app: str) -> None:
    found = {str(message.id): str(message.string) for message in catalogues.kept(app, "zh_Hans")}
    assert {english for english, chinese in found.items() if re.search(SECOND_WORDS, chinese)} == set()
    # Penalties are overturned, measures taken back.
    for english in ("%(measure)s, undone", "undone at", "stop undone", "Say what is taken back or lessened."):
        assert "撤回" in found.get(english, "撤回"), english
