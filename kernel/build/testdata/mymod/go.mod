module example.com/mymod

go 1.26
