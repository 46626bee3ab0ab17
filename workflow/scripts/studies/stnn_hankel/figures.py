from pesin.plot.style import panels
def x(study):
    f,a=panels(1,1)
    return f
