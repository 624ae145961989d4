import unittest

from service import add


class AddTest(unittest.TestCase):
    def test_values_are_added(self):
        self.assertEqual(add([1, 2, 3.5]), {"sum": 6.5, "count": 3})

    def test_no_values_are_zero(self):
        self.assertEqual(add([]), {"sum": 0, "count": 0})


if __name__ == "__main__":
    unittest.main()
