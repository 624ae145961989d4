# Ends process groups when the process that started them is gone: it holds the other end of our
# standard input, so that the input ends with it, however it ended.
trap '' HUP INT TERM
groups=
marks=
while read -r verb value; do
  case $verb in
    watch) groups="$groups $value" ;;
    sweep) marks="$marks $value" ;;
    forget)
      kept=
      for group in $groups; do
        [ "$group" = "$value" ] || kept="$kept $group"
      done
      groups=$kept
      ;;
  esac
done
for group in $groups; do kill -s TERM -- "-$group"; done
n_waits=0
while [ -n "$groups" ] && [ $n_waits -lt 20 ]; do
  kept=
  for group in $groups; do
    if kill -s 0 -- "-$group"; then kept="$kept $group"; fi
  done
  groups=$kept
  if [ -n "$groups" ]; then sleep 0.1; fi
  n_waits=$((n_waits + 1))
done
for group in $groups; do kill -s KILL -- "-$group"; done
for mark in $marks; do
  # A process that was started meanwhile is found in the next round.
  for round in 1 2 3; do
    found=
    for file in $(grep -lsF "$mark" /proc/[0-9]*/environ); do
      pid=${file#/proc/}
      pid=${pid%/environ}
      if kill -s KILL "$pid"; then found=1; fi
    done
    [ -n "$found" ] || break
  done
done
