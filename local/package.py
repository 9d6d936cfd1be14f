"""Makes the deployment packages of functions for the local cloud.

usage: package.py FOLDER BINARY...

FOLDER is created. It gets an archive of each binary, under the binary's name, whose only file is `bootstrap`: what Lambda
runs. `aws cloudformation package` uploads an archive as it is. Of a folder with a binary it would make one itself, of one
after the other and as small as it can, and take longer for it than for all else of a deployment.

The same binary gives the same bytes.
"""

import concurrent.futures
import pathlib
import sys
import zipfile

FAST = 1  # zlib's level: an archive goes no farther than into the memory of this machine


def package(folder: pathlib.Path, binary: pathlib.Path) -> None:
    bootstrap = zipfile.ZipInfo("bootstrap")  # its date is the first of 1980
    bootstrap.external_attr = 0o755 << 16
    with zipfile.ZipFile(folder / binary.name, "w") as archive:
        archive.writestr(bootstrap, binary.read_bytes(), zipfile.ZIP_DEFLATED, FAST)


def main(folder: pathlib.Path, binaries: list[pathlib.Path]) -> None:
    folder.mkdir(parents=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:  # zlib computes without the interpreter's lock
        list(pool.map(lambda binary: package(folder, binary), binaries))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), [pathlib.Path(binary) for binary in sys.argv[2:]])
