"""The demo departments' servers: real SFTP, FTPS, REST, MySQL and PostgreSQL on the loopback; see README.md."""
