def one(study):
    pass
