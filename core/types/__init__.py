"""In charge of values: what comes in becomes canonical, canonical goes to the driver, stored values go out. Pure."""
