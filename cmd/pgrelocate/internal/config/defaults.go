package config

// Defaults is a Config as it is where nobody has set anything.
func Defaults() *Config { return &NewLoader().config }
