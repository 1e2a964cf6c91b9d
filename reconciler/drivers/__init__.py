"""What a platform can be asked and told. Drivers never see each other; `registry` is the one list of them."""
