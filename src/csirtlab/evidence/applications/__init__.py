"""Programs that speak the protocols and write files: mail servers, proxies, web sites, devices."""
