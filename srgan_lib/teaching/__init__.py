"""What the book and its courses need: drawings, widgets, coursework, what feature maps see."""
