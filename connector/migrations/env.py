"""Alembic's entry: runs the versions on the connection that `store._upgrade` hands over."""

from alembic import context

from connector.models import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
