"""The mail room: mailed submissions in; a board, a reply for each team and a journal out."""
