suppressPackageStartupMessages({library(survival); library(jsonlite)})
na <- function(x) as.list(x)
one <- function(name, time, status, conf, level, digits=15) {
  f <- survfit(Surv(time,status)~1, conf.type=conf, conf.int=level)
  tab <- summary(f)$table
  q <- quantile(f, c(.1,.25,.5,.75,.9))
  list(data=name, conf_type=conf, level=level, time=f$time, n_risk=f$n.risk, n_event=f$n.event, n_censor=f$n.censor,
    surv=f$surv, std_err=f$std.err, lower=f$lower, upper=f$upper,
    median=unname(tab["median"]), median_low=unname(tab[length(tab)-1]), median_high=unname(tab[length(tab)]),
    quantile_shares=c(.1,.25,.5,.75,.9), quantiles=unname(q$quantile), quantiles_low=unname(q$lower), quantiles_high=unname(q$upper))
}
sets <- list(aml=list(time=aml$time,status=aml$status),
 aml_maintained=with(subset(aml, x=="Maintained"), list(time=time,status=status)),
 lung=list(time=lung$time,status=as.numeric(lung$status==2)),

 uncensored=list(time=c(1,2,2,3,5,8,13,21),status=rep(1,8)),
 flat_median=list(time=c(1,2,3,4),status=c(1,1,1,1)),
 flat_to_the_end=list(time=c(1,2,3,4),status=c(1,1,0,0)),
 one_event=list(time=c(5),status=c(1)),
 nothing_happened=list(time=c(1,2,3),status=c(0,0,0)))
set.seed(7); t <- rexp(200); c <- rexp(200,.5); sets$exponential <- list(time=round(pmin(t,c),3), status=as.numeric(t<=c))
out <- list()
for (n in names(sets)) for (conf in c("log-log","log","plain")) for (level in (if (n == "aml") c(.9,.95,.99) else .95)) out[[length(out)+1]] <- one(n, sets[[n]]$time, sets[[n]]$status, conf, level)
write(toJSON(list(peer="R survival, survfit(Surv(time, status) ~ 1, conf.type=, conf.int=); summary()$table; quantile()", version=as.character(packageVersion("survival")), R="4.2.2", tolerance=1e-12, data=sets, records=out), auto_unbox=TRUE, digits=NA, na="null", pretty=FALSE), "survival.json")
