"""Whether a page can be read and used by everybody: names, contrast, focus, and that it fits."""

import os
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Widths of a phone, a tablet and a desktop, with their heights, pixels.
SIZES = ((390, 844), (820, 1180), (1440, 900))
THEMES = ("light", "dark")
#: Contrast of text with what lies behind it: of most, and of what is large (WCAG 2.2, level AA).
_MOST, _LARGE = 4.5, 3.0

#: Controls that have no name, pictures without words, and names of elements that are used twice.
FAULTS = """() => {
  const seen = (e) => e.checkVisibility();
  const named = (e) => e.labels?.length || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby")
    || e.textContent.trim() || e.alt;
  const nameless = [...document.querySelectorAll(
    "button, a[href], input, select, textarea, audio, video, canvas, [role=img], [role=radiogroup], [role=application]"
  )].filter((e) => seen(e) && !e.closest("[aria-hidden=true]") && !named(e)).map((e) => `no name: ${e.outerHTML}`);
  const wordless = [...document.querySelectorAll("img:not([alt])")].map((e) => `no words: ${e.outerHTML}`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `used twice: ${id}`);
  const lost = [...document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls], label[for]")]
    .flatMap((e) => ["aria-labelledby", "aria-describedby", "aria-controls", "for"].map((a) => e.getAttribute(a)))
    .filter((id) => id && !document.getElementById(id))
    .map((id) => `leads nowhere: ${id}`);
  const levels = [...document.querySelectorAll("h1, h2, h3")].filter(seen).map((e) => Number(e.tagName[1]));
  const skips = levels.some((level, index) => index && level > levels[index - 1] + 1);
  return [...nameless, ...wordless, ...twice, ...lost, ...(skips ? ["a level of headings is left out"] : [])];
}"""

#: Text whose contrast with what lies behind it is too low. What cannot be used yet need not be read.
PALE = """([most, large]) => {
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], behind) => [r, g, b].map((value, i) => value * a + behind[i] * (1 - a));
  const behind = (e) => {
    if (!e) return [255, 255, 255];
    const colour = rgba(getComputedStyle(e).backgroundColor);
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, behind(e.parentElement));
  };
  const light = (rgb) => rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const pale = new Set();
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement;
    const read = node.data.trim() && e.checkVisibility({ opacityProperty: true });
    if (!read || e.closest(":disabled, script, noscript, option")) continue;
    const style = getComputedStyle(e);
    const back = behind(e);
    const [one, other] = [light(over(rgba(style.color), back)), light(back)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const needs = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? large : most;
    if (ratio < needs) pale.add(`${ratio.toFixed(2)}: ${node.data.trim().slice(0, 40)}`);
  }
  return [...pale];
}"""

#: What has the focus: its name, whether a ring shows that it has, and whether something covers it.
FOCUSED = """() => {
  const e = document.activeElement;
  const name = e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent.trim();
  const ringed = [e, ...(e.parentElement?.children ?? [])].some((one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  });
  const box = e.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const labelled = [...(e.labels ?? [])].some((one) => one.contains(top));
  const clear = top !== null && (e.contains(top) || top.contains(e) || labelled);
  return { name, tag: e.tagName, ringed, clear };
}"""


def looks_right(page: "Page", name: str, full: bool = True) -> None:
    """Check a page at every width, in light and dark; its pictures go to the folder that STUDIO_PICTURES names, if any.

    Args:
        page: shows what is to be looked at.
        name: of the pictures, `name-theme-width.png`.
        full: whether the pictures hold all of the page, not only what a screen shows.
    """
    from playwright.sync_api import expect

    folder = os.environ.get("STUDIO_PICTURES")
    before = page.viewport_size
    for theme, (width, height) in product(THEMES, SIZES):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}: wider than {width} pixels"
        assert page.evaluate(FAULTS) == []
        assert page.evaluate(PALE, [_MOST, _LARGE]) == []
        if folder:
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=Path(folder) / f"{name}-{theme}-{width}.png", full_page=full)
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    if before is not None:
        page.set_viewport_size(before)
