"""Files that a department drops on an FTP, FTPS or SFTP server."""
