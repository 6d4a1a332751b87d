"""Tests that drive JupyterLab in a browser: `lab` is the server, `page` what a person does, `drive.js` the page's side.

The build steps know which browser there is and how it is started: their folder is put on the path here.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ci"))
