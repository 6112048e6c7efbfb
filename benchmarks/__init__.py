"""Speed and memory of kubediscovery beside its peers, measured on a real control plane in the same run."""
