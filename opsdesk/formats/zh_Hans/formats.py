"""Chinese numbers in groups of three, as Chinese bookkeeping writes them."""

MONTH_DAY_FORMAT = "n月j日"
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
