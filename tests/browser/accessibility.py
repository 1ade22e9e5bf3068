"""What axe finds on a page (https://dequeuniversity.com/rules/axe): WCAG 2.2 AA, and what is good practice besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# axe itself sets inline styles while it measures.
FOR_AXE: dict[str, Any] = {"bypass_csp": True}


def violations(page: Page, within: str = "html") -> list[str]:
    """``rule: places`` for each rule that is broken. ``within``: the part of the page that is looked at."""
    from axe_playwright_python.base import AXE_SCRIPT

    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(
        """async ([within, runOnly]) => (await axe.run(within, { runOnly, resultTypes: ["violations"] })).violations
            .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`)""",
        [within, RULES],
    )
    return found
