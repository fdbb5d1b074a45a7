"""Reports for people and machines: terminal, JSON, JUnit, HTML, SARIF."""
