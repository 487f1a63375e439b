"""Files of tensors, safetensors and GGUF: headers, values, writing."""
