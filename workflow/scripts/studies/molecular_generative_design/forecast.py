def forecast(case, data, trained):
    raise NotImplementedError
