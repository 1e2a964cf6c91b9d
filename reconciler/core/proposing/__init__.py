"""What documents could say: those of a fleet that has none yet, and changes to those there are.

    adoption   documents for what was found on hosts, for `import`
    proposal   changes to guests' documents with reason and gain, or why there are none
    board      where every guest will be once the documents hold, and who may go where
    rules      placement rules, asked of a placement that is only thought of
    drain      every guest of a host gets another one
    eviction   other guests make room where one does not fit
    balance    a few moves from the fullest hosts to the emptiest
    park       guests of a label on as few hosts as can be, shrunk to what their documents call the least

Nothing here touches a host or a document: people merge what is proposed, and the planner finds the way there.
"""
