suppressPackageStartupMessages({library(survey); library(jsonlite)})
y <- function(d) ifelse(d$rating>=9,100,ifelse(d$rating<=6,-100,0))
fig <- function(des) { m <- svymean(~nps, des, deff=TRUE); df <- degf(des)
 list(estimate=unname(coef(m)), se=unname(SE(m)[1]), deff=unname(deff(m)), degf=df, ci95_t=as.numeric(confint(m, df=df)), ci90_t=as.numeric(confint(m, level=.9, df=df)), n=sum(weights(des,"sampling")!=0))}
all <- function(des, by) { out <- fig(des); for (b in by) { v <- des$variables[[b]]; g <- list(); for (k in sort(unique(as.character(v)))) { s <- subset(des, v==k); g[[length(g)+1]] <- c(list(group=k), fig(s)) }; out[[paste0("by_",b)]] <- g }; out }
d <- read.csv("survey_two_stage.csv"); d$nps <- y(d); d$person <- seq_len(nrow(d)); d$w <- d$N_accounts/d$n_accounts*d$N_people/d$n_people
lon <- read.csv("survey_lonely.csv"); lon$nps <- y(lon)
out <- list(
 two_stage_fpc = all(svydesign(id=~account+person, strata=~stratum, fpc=~N_accounts+N_people, data=d), c("region","stratum")),
 one_stage_fpc = all(svydesign(id=~account, strata=~stratum, fpc=~N_accounts, weights=~w, data=d), c("region")),
 ultimate_cluster = all(svydesign(id=~account, strata=~stratum, weights=~w, data=d), c("region","stratum")),
 ignoring_clusters = all(svydesign(id=~1, strata=~stratum, weights=~w, data=d), c("region")),
 one_stage_whole_clusters = all(svydesign(id=~account, strata=~stratum, fpc=~N_accounts, data=d), character(0)),
 weights_only = all(svydesign(id=~1, weights=~w, data=d), c("region")),
 unweighted_clusters = all(svydesign(id=~account, data=d, weights=~1), character(0)))
l <- list()
for (p in c("adjust","certainty","remove","average")) { options(survey.lonely.psu=p); l[[p]] <- all(svydesign(id=~1, strata=~stratum, fpc=~N_stratum, data=lon), c("region")) }
write(toJSON(list(peer="R survey: svydesign, svymean(deff = TRUE), degf, confint, subset; scores in points", version=as.character(packageVersion("survey")), R="4.2.2", tolerance=1e-9, data=list(two_stage="survey_two_stage.csv", lonely="survey_lonely.csv"), two_stage=out, lonely=l), auto_unbox=TRUE, digits=NA, na="null", pretty=1), "survey_two_stage.json")
