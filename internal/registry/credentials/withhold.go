package credentials

import "os"

// withheld are values of variables that the environment does not have any more.
var withheld = map[string]string{}

// Withhold takes variables out of the environment, so that no program that is started from here on is given them: a
// credential helper, or what a kubeconfig has run, has no business with the login of a registry. Variable knows them
// still. It is for main, before anything else.
func Withhold(names ...string) {
	for _, name := range names {
		if value, set := os.LookupEnv(name); set && os.Unsetenv(name) == nil {
			withheld[name] = value
		}
	}
}

// Variable is the value of an environment variable, withheld or not; empty where it is not set.
func Variable(name string) string {
	if value, known := withheld[name]; known {
		return value
	}
	return os.Getenv(name)
}
