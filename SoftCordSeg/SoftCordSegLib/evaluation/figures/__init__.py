"""The paper's figures.  matplotlib is imported when a figure is drawn, and used without a
screen.
"""
