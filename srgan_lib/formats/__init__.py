"""What image files hold beside 8-bit pixels: 16 bits a channel, colour profiles, EXIF and other metadata."""
