"""Trusted Types for our own pages."""

from __future__ import annotations

from csp.decorators import csp_update

# No text may ever become markup or script on the page (https://www.w3.org/TR/trusted-types/). Pages of others, such as
# the admin's, do not know of it.
no_markup_from_text = csp_update({"require-trusted-types-for": ["'script'"], "trusted-types": ["'none'"]})
