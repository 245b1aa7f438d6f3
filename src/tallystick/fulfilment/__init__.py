"""One file per thing that we deliver once it is paid."""
