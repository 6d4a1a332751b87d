"""What a team is made of: its members and their lanes, supervision, what they share, and handing over."""
