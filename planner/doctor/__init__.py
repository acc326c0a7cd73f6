"""Will this machine do the job? Every check looks at one thing and tells the remedy."""
