//! Phrases and what they are read as, on Tuesday 24 November 2026 at 10:00 by the clocks there.

pub(super) const READ: &str = "\
today                                      | Tue 24 Nov 2026
Tonight                                    | Tue 24 Nov 2026, 20:00
this morning                               | Tue 24 Nov 2026, 09:00
this afternoon                             | Tue 24 Nov 2026, 15:00
this evening                               | Tue 24 Nov 2026, 18:00
tomorrow                                   | Wed 25 Nov 2026
tomorrow morning                           | Wed 25 Nov 2026, 09:00
tomorrow noon                              | Wed 25 Nov 2026, 12:00
tomorrow at noon                           | Wed 25 Nov 2026, 12:00
tomorrow afternoon                         | Wed 25 Nov 2026, 15:00
tomorrow evening                           | Wed 25 Nov 2026, 18:00
tomorrow night                             | Wed 25 Nov 2026, 20:00
tmrw                                       | Wed 25 Nov 2026
day after tomorrow                         | Thu 26 Nov 2026
the day after tomorrow                     | Thu 26 Nov 2026
the day after tomorrow at 3pm              | Thu 26 Nov 2026, 15:00
yesterday                                  | Mon 23 Nov 2026
yesterday evening                          | Mon 23 Nov 2026, 18:00
monday                                     | Mon 30 Nov 2026
tuesday                                    | Tue 1 Dec 2026
wed                                        | Wed 25 Nov 2026
thursday                                   | Thu 26 Nov 2026
friday                                     | Fri 27 Nov 2026
Fri                                        | Fri 27 Nov 2026
saturday                                   | Sat 28 Nov 2026
sun                                        | Sun 29 Nov 2026
this friday                                | Fri 27 Nov 2026
this tuesday                               | Tue 24 Nov 2026
next friday                                | Fri 4 Dec 2026
next tuesday                               | Tue 1 Dec 2026
coming friday                              | Fri 27 Nov 2026
coming tuesday                             | Tue 1 Dec 2026
next week                                  | Mon 30 Nov 2026
next week friday                           | Fri 4 Dec 2026
friday next week                           | Fri 4 Dec 2026
next monday                                | Mon 30 Nov 2026
this week                                  | Sun 29 Nov 2026
end of week                                | Sun 29 Nov 2026
end of the week                            | Sun 29 Nov 2026
eow                                        | Sun 29 Nov 2026
end of next week                           | Sun 6 Dec 2026
this weekend                               | Sat 28 Nov 2026
weekend                                    | Sat 28 Nov 2026
the weekend                                | Sat 28 Nov 2026
next weekend                               | Sat 5 Dec 2026
next month                                 | Tue 1 Dec 2026
end of month                               | Mon 30 Nov 2026
end of the month                           | Mon 30 Nov 2026
eom                                        | Mon 30 Nov 2026
end of next month                          | Thu 31 Dec 2026
end of november                            | Mon 30 Nov 2026
end of february                            | Sun 28 Feb 2027
beginning of december                      | Tue 1 Dec 2026
start of next week                         | Mon 30 Nov 2026
end of year                                | Thu 31 Dec 2026
eoy                                        | Thu 31 Dec 2026
next year                                  | Fri 1 Jan 2027
end of day                                 | Tue 24 Nov 2026
eod                                        | Tue 24 Nov 2026
in 5 minutes                               | Tue 24 Nov 2026, 10:05
in 90 min                                  | Tue 24 Nov 2026, 11:30
in an hour                                 | Tue 24 Nov 2026, 11:00
in half an hour                            | Tue 24 Nov 2026, 10:30
in 2 hours                                 | Tue 24 Nov 2026, 12:00
in an hour and a half                      | Tue 24 Nov 2026, 11:30
in one and a half hours                    | Tue 24 Nov 2026, 11:30
in 1 hour and 30 minutes                   | Tue 24 Nov 2026, 11:30
in 2h                                      | Tue 24 Nov 2026, 12:00
in 30m                                     | Tue 24 Nov 2026, 10:30
in 3 days                                  | Fri 27 Nov 2026
in two weeks                               | Tue 8 Dec 2026
in a week                                  | Tue 1 Dec 2026
in a fortnight                             | Tue 8 Dec 2026
in 2 months                                | Sun 24 Jan 2027
in 3 years                                 | Sat 24 Nov 2029
in a couple of days                        | Thu 26 Nov 2026
in thirty five minutes                     | Tue 24 Nov 2026, 10:35
in thirty-five minutes                     | Tue 24 Nov 2026, 10:35
in 2 days at 15:00                         | Thu 26 Nov 2026, 15:00
2 days from now                            | Thu 26 Nov 2026
20 minutes from now                        | Tue 24 Nov 2026, 10:20
two weeks from today                       | Tue 8 Dec 2026
a week from friday                         | Fri 4 Dec 2026
a week from friday at 3pm                  | Fri 4 Dec 2026, 15:00
a week on friday                           | Fri 4 Dec 2026
two days after tomorrow                    | Fri 27 Nov 2026
2026-11-27                                 | Fri 27 Nov 2026
2026-11-27 15:00                           | Fri 27 Nov 2026, 15:00
2026-11-27T15:00                           | Fri 27 Nov 2026, 15:00
2026-11-27T15:00:00                        | Fri 27 Nov 2026, 15:00
2026/11/27                                 | Fri 27 Nov 2026
27.11.                                     | Fri 27 Nov 2026
27.11.2026                                 | Fri 27 Nov 2026
27.11.26                                   | Fri 27 Nov 2026
27.11. 15:00                               | Fri 27 Nov 2026, 15:00
1.3.                                       | Mon 1 Mar 2027
27 nov                                     | Fri 27 Nov 2026
27 Nov.                                    | Fri 27 Nov 2026
nov 27                                     | Fri 27 Nov 2026
november 27th                              | Fri 27 Nov 2026
november twenty seventh                    | Fri 27 Nov 2026
november 27, 2026                          | Fri 27 Nov 2026
27th of november 2027                      | Sat 27 Nov 2027
the 27th of november 2027                  | Sat 27 Nov 2027
the 27th                                   | Fri 27 Nov 2026
the 3rd                                    | Thu 3 Dec 2026
the 31st                                   | Thu 31 Dec 2026
the first                                  | Tue 1 Dec 2026
the first of december                      | Tue 1 Dec 2026
december first                             | Tue 1 Dec 2026
december the first                         | Tue 1 Dec 2026
27/11/2026                                 | Fri 27 Nov 2026
11/27/2026                                 | Fri 27 Nov 2026
5/5/2026                                   | Tue 5 May 2026
15:00                                      | Tue 24 Nov 2026, 15:00
9:00                                       | Wed 25 Nov 2026, 09:00
09:00                                      | Wed 25 Nov 2026, 09:00
3pm                                        | Tue 24 Nov 2026, 15:00
3 pm                                       | Tue 24 Nov 2026, 15:00
3:30pm                                     | Tue 24 Nov 2026, 15:30
3.30pm                                     | Tue 24 Nov 2026, 15:30
3:30 p.m.                                  | Tue 24 Nov 2026, 15:30
3 p.m.                                     | Tue 24 Nov 2026, 15:00
15h                                        | Tue 24 Nov 2026, 15:00
15h30                                      | Tue 24 Nov 2026, 15:30
noon                                       | Tue 24 Nov 2026, 12:00
midnight                                   | Wed 25 Nov 2026, 00:00
at 3                                       | Tue 24 Nov 2026, 15:00
at three                                   | Tue 24 Nov 2026, 15:00
at 9                                       | Wed 25 Nov 2026, 09:00
at 15                                      | Tue 24 Nov 2026, 15:00
at three thirty                            | Tue 24 Nov 2026, 15:30
half past three                            | Tue 24 Nov 2026, 15:30
quarter to nine                            | Wed 25 Nov 2026, 08:45
quarter past ten                           | Tue 24 Nov 2026, 10:15
ten past nine                              | Wed 25 Nov 2026, 09:10
five minutes to nine                       | Wed 25 Nov 2026, 08:55
three thirty pm                            | Tue 24 Nov 2026, 15:30
3 30 pm                                    | Tue 24 Nov 2026, 15:30
3 o'clock                                  | Tue 24 Nov 2026, 15:00
three oclock                               | Tue 24 Nov 2026, 15:00
three o’clock pm                           | Tue 24 Nov 2026, 15:00
3 in the afternoon                         | Tue 24 Nov 2026, 15:00
at 7 in the evening                        | Tue 24 Nov 2026, 19:00
at 3 in the morning                        | Wed 25 Nov 2026, 03:00
3pm friday                                 | Fri 27 Nov 2026, 15:00
friday 3pm                                 | Fri 27 Nov 2026, 15:00
friday at 3pm                              | Fri 27 Nov 2026, 15:00
friday at 3                                | Fri 27 Nov 2026, 15:00
at 15:00 on friday                         | Fri 27 Nov 2026, 15:00
at 3 on friday                             | Fri 27 Nov 2026, 15:00
by friday                                  | Fri 27 Nov 2026
on friday                                  | Fri 27 Nov 2026
until tomorrow                             | Wed 25 Nov 2026
before noon                                | Tue 24 Nov 2026, 12:00
by the end of the month                    | Mon 30 Nov 2026
on the 27th                                | Fri 27 Nov 2026
fri 27 nov 2026                            | Fri 27 Nov 2026
Fri 27 Nov 2026, 15:00                     | Fri 27 Nov 2026, 15:00
friday midnight                            | Sat 28 Nov 2026, 00:00
tonight at 8                               | Tue 24 Nov 2026, 20:00
tonight at 12                              | Wed 25 Nov 2026, 00:00
tonight at midnight                        | Wed 25 Nov 2026, 00:00
tomorrow morning at 8                      | Wed 25 Nov 2026, 08:00
tomorrow afternoon at 3:30                 | Wed 25 Nov 2026, 15:30
tomorrow at 8 in the morning               | Wed 25 Nov 2026, 08:00
24 december                                | Thu 24 Dec 2026
29 february                                | Tue 29 Feb 2028
24 nov                                     | Tue 24 Nov 2026
23 nov                                     | Tue 23 Nov 2027
in 0 days                                  | Tue 24 Nov 2026
12am                                       | Wed 25 Nov 2026, 00:00
12pm                                       | Tue 24 Nov 2026, 12:00
24:00                                      | Wed 25 Nov 2026, 00:00
23:59                                      | Tue 24 Nov 2026, 23:59
monday 24:00                               | Tue 1 Dec 2026, 00:00
quarter to midnight                        | Tue 24 Nov 2026, 23:45
twenty past four                           | Tue 24 Nov 2026, 16:20
by 5 pm today                              | Tue 24 Nov 2026, 17:00
at 12                                      | Tue 24 Nov 2026, 12:00
at twelve thirty                           | Tue 24 Nov 2026, 12:30
at noon tomorrow                           | Wed 25 Nov 2026, 12:00
at 9 tomorrow morning                      | Wed 25 Nov 2026, 09:00
six pm                                     | Tue 24 Nov 2026, 18:00
at sixteen thirty                          | Tue 24 Nov 2026, 16:30
TODAY                                      | Tue 24 Nov 2026
Tomorrow,                                  | Wed 25 Nov 2026
tomorrow at 9                              | Wed 25 Nov 2026, 09:00
tomorrow 9am                               | Wed 25 Nov 2026, 09:00
tomorrow 9:15                              | Wed 25 Nov 2026, 09:15
tomorrow at half past eight                | Wed 25 Nov 2026, 08:30
tomorrow by noon                           | Wed 25 Nov 2026, 12:00
3 in the afternoon                         | Tue 24 Nov 2026, 15:00
3:30 in the afternoon tomorrow             | Wed 25 Nov 2026, 15:30
eight in the evening                       | Tue 24 Nov 2026, 20:00
at 8 tonight                               | Tue 24 Nov 2026, 20:00
tonight at 1                               | Wed 25 Nov 2026, 01:00
tomorrow night at 11                       | Wed 25 Nov 2026, 23:00
friday morning                             | Fri 27 Nov 2026, 09:00
friday night                               | Fri 27 Nov 2026, 20:00
friday afternoon at 4                      | Fri 27 Nov 2026, 16:00
next friday at noon                        | Fri 4 Dec 2026, 12:00
this sunday                                | Sun 29 Nov 2026
this saturday evening                      | Sat 28 Nov 2026, 18:00
coming sunday at 10:30                     | Sun 29 Nov 2026, 10:30
next week tuesday                          | Tue 1 Dec 2026
next week on tuesday                       | Tue 1 Dec 2026
tuesday of next week                       | Tue 1 Dec 2026
sunday this week                           | Sun 29 Nov 2026
wednesday next week at 2pm                 | Wed 2 Dec 2026, 14:00
end of this week                           | Sun 29 Nov 2026
end of this month                          | Mon 30 Nov 2026
end of this year                           | Thu 31 Dec 2026
end of next year                           | Fri 31 Dec 2027
beginning of next month                    | Tue 1 Dec 2026
start of next year                         | Fri 1 Jan 2027
beginning of november                      | Mon 1 Nov 2027
end of march 2028                          | Fri 31 Mar 2028
beginning of january 2027                  | Fri 1 Jan 2027
coming week                                | Mon 30 Nov 2026
coming month                               | Tue 1 Dec 2026
the end of week                            | Sun 29 Nov 2026
before the end of the day                  | Tue 24 Nov 2026
until end of month                         | Mon 30 Nov 2026
by eow                                     | Sun 29 Nov 2026
by eod                                     | Tue 24 Nov 2026
until the weekend                          | Sat 28 Nov 2026
before next month                          | Tue 1 Dec 2026
in one minute                              | Tue 24 Nov 2026, 10:01
in sixty minutes                           | Tue 24 Nov 2026, 11:00
in 1 hour 15 minutes                       | Tue 24 Nov 2026, 11:15
in 2 hours and 45 min                      | Tue 24 Nov 2026, 12:45
in an hour and fifteen minutes             | Tue 24 Nov 2026, 11:15
in 1h                                      | Tue 24 Nov 2026, 11:00
in a quarter of an hour                    | Tue 24 Nov 2026, 10:15
in 10 days                                 | Fri 4 Dec 2026
in 1 week                                  | Tue 1 Dec 2026
in 6 wks                                   | Tue 5 Jan 2027
in a month                                 | Thu 24 Dec 2026
in twelve months                           | Wed 24 Nov 2027
in a year                                  | Wed 24 Nov 2027
in 100 years                               | Sun 24 Nov 2126
in 2 yrs                                   | Fri 24 Nov 2028
in 3d                                      | Fri 27 Nov 2026
in 2w                                      | Tue 8 Dec 2026
in another week                            | Tue 1 Dec 2026
in a couple of weeks                       | Tue 8 Dec 2026
in 3 days at noon                          | Fri 27 Nov 2026, 12:00
in 3 days in the morning                   | Fri 27 Nov 2026, 09:00
in two weeks at 9am                        | Tue 8 Dec 2026, 09:00
a day from now                             | Wed 25 Nov 2026
one week from now                          | Tue 1 Dec 2026
an hour from now                           | Tue 24 Nov 2026, 11:00
half an hour from now                      | Tue 24 Nov 2026, 10:30
3 weeks from now at 8:00                   | Tue 15 Dec 2026, 08:00
a fortnight from today                     | Tue 8 Dec 2026
two weeks from next monday                 | Mon 14 Dec 2026
3 days after friday                        | Mon 30 Nov 2026
a month from tomorrow                      | Fri 25 Dec 2026
a week after 27 nov                        | Fri 4 Dec 2026
2028-02-29                                 | Tue 29 Feb 2028
2026-1-5                                   | Mon 5 Jan 2026
2026-11-27 at 3pm                          | Fri 27 Nov 2026, 15:00
2026-11-27 noon                            | Fri 27 Nov 2026, 12:00
2026-11-27 24:00                           | Sat 28 Nov 2026, 00:00
2026-11-27 00:00                           | Fri 27 Nov 2026, 00:00
28/2/2027                                  | Sun 28 Feb 2027
31-12-2026                                 | Thu 31 Dec 2026
12/31/2026                                 | Thu 31 Dec 2026
31.12.                                     | Thu 31 Dec 2026
31.12.2026 23:59                           | Thu 31 Dec 2026, 23:59
3.4.2027                                   | Sat 3 Apr 2027
1 jan                                      | Fri 1 Jan 2027
1 january 2027                             | Fri 1 Jan 2027
jan 1st                                    | Fri 1 Jan 2027
1st of january                             | Fri 1 Jan 2027
the 1st of january                         | Fri 1 Jan 2027
first of january                           | Fri 1 Jan 2027
sept 5                                     | Sun 5 Sep 2027
5 sept 2027                                | Sun 5 Sep 2027
aug 15 at 6pm                              | Sun 15 Aug 2027, 18:00
27. november                               | Fri 27 Nov 2026
may 3                                      | Mon 3 May 2027
3 may                                      | Mon 3 May 2027
may third                                  | Mon 3 May 2027
third of may                               | Mon 3 May 2027
twenty third of may                        | Sun 23 May 2027
31st                                       | Thu 31 Dec 2026
24th                                       | Tue 24 Nov 2026
23rd                                       | Wed 23 Dec 2026
the 24th                                   | Tue 24 Nov 2026
the 30th at 5pm                            | Mon 30 Nov 2026, 17:00
on the first                               | Tue 1 Dec 2026
on december 24th at 8 in the morning       | Thu 24 Dec 2026, 08:00
24 december 2026 18:00                     | Thu 24 Dec 2026, 18:00
6pm on 24 december                         | Thu 24 Dec 2026, 18:00
noon on the 30th                           | Mon 30 Nov 2026, 12:00
18:30 tomorrow                             | Wed 25 Nov 2026, 18:30
at half past seven in the evening          | Tue 24 Nov 2026, 19:30
at quarter to six                          | Tue 24 Nov 2026, 17:45
a quarter past four                        | Tue 24 Nov 2026, 16:15
twenty five past eleven                    | Tue 24 Nov 2026, 11:25
ten minutes to noon                        | Tue 24 Nov 2026, 11:50
ten to midnight                            | Tue 24 Nov 2026, 23:50
at 00:30                                   | Wed 25 Nov 2026, 00:30
0:30                                       | Wed 25 Nov 2026, 00:30
at eleven am                               | Tue 24 Nov 2026, 11:00
11am                                       | Tue 24 Nov 2026, 11:00
eleven fifteen am                          | Tue 24 Nov 2026, 11:15
at 7                                       | Wed 25 Nov 2026, 07:00
at 6                                       | Tue 24 Nov 2026, 18:00
at 1                                       | Tue 24 Nov 2026, 13:00
at 13                                      | Tue 24 Nov 2026, 13:00
at twenty                                  | Tue 24 Nov 2026, 20:00
at 12am                                    | Wed 25 Nov 2026, 00:00
at nine o'clock                            | Wed 25 Nov 2026, 09:00
nine o'clock tomorrow                      | Wed 25 Nov 2026, 09:00
nine o'clock pm                            | Tue 24 Nov 2026, 21:00
5 p.m. tomorrow                            | Wed 25 Nov 2026, 17:00
17h tomorrow                               | Wed 25 Nov 2026, 17:00
friday the 27th                            | Fri 27 Nov 2026
friday 27 november                         | Fri 27 Nov 2026
tue 24 nov 2026                            | Tue 24 Nov 2026
wednesday, 25 november 2026, 10:00         | Wed 25 Nov 2026, 10:00
fri, 27 nov at noon                        | Fri 27 Nov 2026, 12:00
";

pub(super) const NOT_READ: [&str; 68] = [
    "11/12/2026",
    "mon 27 nov 2026",
    "christmas",
    "2026-02-30",
    "31 february",
    "february 30",
    "30.2.",
    "2026-13-01",
    "fryday",
    "tomorow",
    "next fryday",
    "end of mnth",
    "27 novembr",
    "27.11",
    "27/11",
    "friday or monday",
    "in",
    "at",
    "by",
    "every",
    "in 99999 days",
    "in 9999 years",
    "at 25",
    "25:00",
    "13pm",
    "0am",
    "9 tomorrow",
    "at oh five",
    "friday 28 november",
    "next",
    "this",
    "the",
    "in two",
    "in two blue weeks",
    "at the",
    "at noon noon",
    "tomorrow maybe",
    "2026-11-27T25:00",
    "2026-11-27T",
    "1.2",
    "1.2.3.4",
    "24/7",
    "the 32nd",
    "32 november",
    "november 31",
    "0.1.",
    "1.13.",
    "second",
    "first",
    "may",
    "march",
    "half",
    "quarter past",
    "25 o'clock",
    "at 9:60",
    "9:5",
    "12:345",
    "1:2:3",
    "monday tuesday",
    "tomorrow today",
    "in -3 days",
    "in 1.5 hours",
    "٢٧ نوفمبر",
    "🔥",
    "midnite",
    "wensday",
    "tomorrow at 3:3pm",
    "nxt friday",
];
