"""Tests of package.py."""

import pathlib
import tempfile
import unittest
import zipfile

import package


class Package(unittest.TestCase):
    def test_each_binary_is_the_bootstrap_of_an_archive_of_its_name(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            binaries = [pathlib.Path(folder, name) for name in ("collect", "run-query")]
            for binary in binaries:
                binary.write_bytes(binary.name.encode() * 10_000)
                binary.chmod(0o600)
            made = [pathlib.Path(folder, name, "target/lambda") for name in ("one", "two")]
            for to in made:
                package.main(to, binaries)
            for binary in binaries:
                with zipfile.ZipFile(made[0] / binary.name) as archive:
                    [bootstrap] = archive.infolist()
                    self.assertEqual(bootstrap.filename, "bootstrap")
                    self.assertEqual(bootstrap.external_attr >> 16 & 0o777, 0o755)
                    self.assertEqual(archive.read(bootstrap), binary.read_bytes())
                self.assertEqual((made[0] / binary.name).read_bytes(), (made[1] / binary.name).read_bytes())
                self.assertLess((made[0] / binary.name).stat().st_size, 1_000)
            self.assertEqual(len(list(made[0].iterdir())), 2)


if __name__ == "__main__":
    unittest.main()
