from lakelatch.cli import main

main()
