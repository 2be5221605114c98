"""collect: the item scores of all cells in one table, the reasons of missing ones beside it."""
