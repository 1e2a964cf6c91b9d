"""What is read from git and what is committed to it, by git itself: argument lists, no shell, no checkout.

trouble        which git error it is, and foreign text made safe to show
process        one git process within limits on time and output
plumbing       a repository: run git in it, list a tree, read many blobs
commits        author, subject and trailers of commits
revision       a name to one commit, or the reason why not
desired        the documents of one commit
quarantine     new objects, kept aside until all of them are there
committing/    messages whose trailers git finds again, changed files as a commit, a proposal's branch
status_branch  reports onto the status branch, and back
"""
