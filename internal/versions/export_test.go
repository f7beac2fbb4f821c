package versions

var ErrTwice = errTwice
