"""The process that says who may pass to whose server, before each request. It runs under the service's uid."""
