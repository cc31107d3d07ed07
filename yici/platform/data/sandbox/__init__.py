"""The demo departments' servers: real SFTP, REST, MySQL and PostgreSQL on the loopback; see README.md."""
