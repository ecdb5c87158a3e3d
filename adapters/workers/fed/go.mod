module schedbench/fed

go 1.26.0
