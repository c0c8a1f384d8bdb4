#ifndef BASELINE_COMMON_H
#define BASELINE_COMMON_H

#include "CBaseline.h"

#include <stdarg.h>
#include <stdio.h>

/// Writes the sentence for people and answers -1.
__attribute__((format(printf, 2, 3))) static inline int fail(char *problem, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, baseline_problem_size, format, arguments);
    va_end(arguments);
    return -1;
}

#endif
