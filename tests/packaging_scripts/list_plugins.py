"""Lists the installed plugins as JSON, read from metadata."""

import json
import sys
from dataclasses import asdict

from partisan_core.plugins import Plugins

listing = [asdict(plugin) for plugin in Plugins().listing()]
imported = sorted(name for name in sys.modules if name.endswith(".plugin") or name == "partisan_ring")
print(json.dumps({"listing": listing, "imported": imported}))
