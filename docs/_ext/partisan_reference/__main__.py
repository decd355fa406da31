"""The script: writes the pages into the folder that is named."""

import sys
from pathlib import Path

from partisan_reference import write

write(Path(sys.argv[1]))
