"""Models as graphs that OpenVINO runs on the processor, converted once and kept."""
