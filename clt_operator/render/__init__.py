"""Step to Job manifest: names, labels, pods, pools. Pure: same input, same bytes out."""
