/* What the C library keeps for each thread, for the only one. */
#include "pthread_impl.h"
#include "locale_impl.h"

struct __pthread __lrvm_thread = { .self = &__lrvm_thread, .locale = (locale_t)&__c_locale };
