"""Pipeline presets: YAML files, no logic."""
