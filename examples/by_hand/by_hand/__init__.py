"""What applications write where they keep a search index in step by themselves: a Celery task for each change."""
